"""The artifact contract: the manifest, the metadata inside files, and the folder."""
