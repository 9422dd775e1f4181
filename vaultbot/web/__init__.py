"""The page in the browser: its files, and how a browser is let in. What it shows comes from the API."""
