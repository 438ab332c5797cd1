"""The twin as a Pulumi provider: AWS resource types realised in one emulator per region."""
