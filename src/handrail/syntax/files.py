"""Reading files that people name, for the rooms that read documents: as everybody does."""

from handrail.files import bytes_of, require_regular, text_of

__all__ = ["bytes_of", "require_regular", "text_of"]
