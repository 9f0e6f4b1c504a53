"""arXiv's query API: the client, and the gate that spaces its requests across every process of the program."""
