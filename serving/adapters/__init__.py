"""Event bodies of other recommenders, taken as they are: Metarank's ``/feedback`` and Gorse's ``/api``."""
