"""What rules are made of: what a rule is, resources and their properties, where regions lie."""
