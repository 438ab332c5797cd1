"""Reference services that teams copy and replace with theirs. They import the runtime only."""
