"""Sample YFCC100M: its metadata, its photographs, their features.

Yahoo's terms ask that photographs be fetched with restraint: the copy that the
Multimedia Commons keep (`--images ADDRESS/{path}`) is preferred to Flickr's servers,
and no more than a few are fetched at a time. Whoever publishes a photograph of the
table must look at its `page` first: it must still be public, under its `licence`.
"""
