"""Looks at the machine, the installation and the settings, and says what is wrong and what to do about it."""
