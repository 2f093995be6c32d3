"""Pure: a WorkflowTemplate checked, and read into a Program."""
