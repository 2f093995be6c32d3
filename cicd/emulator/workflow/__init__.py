"""Pure: WorkflowTemplate in, nodes and next actions out."""
