"""The engines' own processes: how they are installed, started, and ended by their pid."""
