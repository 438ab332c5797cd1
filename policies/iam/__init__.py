"""Who may do what: IAM documents read and evaluated."""
