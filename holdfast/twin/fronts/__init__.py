"""The two ways to deploy a stack to the twin: in process, and by the real Pulumi engine."""
