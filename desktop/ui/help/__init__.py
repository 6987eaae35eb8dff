"""The help's window: pages of docs/help, searched, with a way back."""
