import { describe, expect, test } from "vitest";
import { asLinkText, asPlainMarkdown, placeName, shown } from "../../src/wording";

describe("what is shown", () => {
  test("has no characters that are not seen", () => {
    expect(shown("in\u202Evoice\u202C\u200B \u2066x\u2069\uFEFF\u0000\u{E0041}")).toBe("invoice x");
  });

  test("keeps what scripts and emoji need", () => {
    expect(shown("می‌خواهم 👩‍🌾 e\u0301")).toBe("می‌خواهم 👩‍🌾 e\u0301");
  });
});

describe("text that is put into a note", () => {
  test.each([
    ["![x](http://evil.test/?q=1)", "\\!\\[x\\]\\(http:\\/\\/evil.test/?q\\=1\\)"],
    ["<img src=x onerror=alert(1)>", "\\<img src\\=x onerror\\=alert\\(1\\)\\>"],
    ["```dataviewjs\napp.vault.delete()\n```", "\\`\\`\\`dataviewjs app.vault.delete\\(\\) \\`\\`\\`"],
    ["![[secret]] #tag %%hidden%% ==x== $a$", "\\!\\[\\[secret\\]\\] \\#tag \\%\\%hidden\\%\\% \\=\\=x\\=\\= \\$a\\$"],
    ["<% tp.file.delete() %>", "\\<\\% tp.file.delete\\(\\) \\%\\>"],
    ["see https://evil.test and www.evil.test", "see https:\\/\\/evil.test and www\\.evil.test"],
    ["rating:: 5", "rating\\:\\: 5"],
    ["1. first", "1\\. first"],
    ["- [ ] task", "\\- \\[ \\] task"],
    ["a\n\n---\nb", "a --- b"],
    ["^block", "\\^block"],
  ])("%s is nothing but words there", (text, words) => {
    expect(asPlainMarkdown(text)).toBe(words);
  });

  test("of an ordinary kind stays readable", () => {
    expect(asPlainMarkdown("Salt, 2 % of the weight — “roughly”.")).toBe("Salt, 2 \\% of the weight — “roughly”.");
  });
});

describe("names of places", () => {
  test("say note and headings", () => {
    expect(placeName("Compost", ["Ingredients", "What stays out"])).toBe("Compost › Ingredients › What stays out");
    expect(placeName("Compost", ["Compost", "Ingredients"])).toBe("Compost › Ingredients");
  });

  test("cannot end the link that they are in", () => {
    expect(asLinkText("a]] ![[b|c<img>`")).toBe("a b c img");
  });
});
