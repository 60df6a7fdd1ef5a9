"""What keeps the data store in shape: one process that migrates, makes partitions, reads figures and looks for what is slow."""
