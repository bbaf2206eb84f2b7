"""Sample YFCC100M: its metadata, its photographs, their features."""
