"""The numbers of charts, and a chart as it is handed to the process that draws."""
