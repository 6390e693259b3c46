"""The boxes: each decodes an event, calls the pure core, writes its row and sends what follows."""
