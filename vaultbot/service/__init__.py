"""The daemon as a service of the system: started at login, and again when it fails. One file per system."""
