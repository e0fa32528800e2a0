"""What stands between a person's terminal and the server: where its door is, how it is asked, and what is left for it."""

from handrail.client.asking import Answer, Desk, elsewhere, send
from handrail.client.place import Place, find
from handrail.client.wishes import Wish

__all__ = ["Answer", "Desk", "Place", "Wish", "elsewhere", "find", "send"]
