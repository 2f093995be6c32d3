"""What commands do, without a terminal: open a stage, plan it, lock it, apply it, go back, look."""
