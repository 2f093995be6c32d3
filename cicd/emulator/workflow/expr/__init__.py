"""Pure: the languages inside a WorkflowTemplate: ``{{=…}}``, ``when`` and their functions."""
