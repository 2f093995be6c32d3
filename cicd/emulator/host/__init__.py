"""Starting an emulator, finding it again, stopping it, and putting its parts together."""
