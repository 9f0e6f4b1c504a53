"""The numbers and texts of charts; `bot.charts` draws them."""
