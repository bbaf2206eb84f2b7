"""Build the embedded tag data set from the Open Clip Art drawings in Debian."""
