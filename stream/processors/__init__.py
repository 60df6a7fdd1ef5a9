"""What becomes of raw messages: buffered, put in the order of their own time, aggregated over a window, told each interval."""
