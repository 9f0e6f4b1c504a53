"""Why a paper was posted in a channel, or was not."""
