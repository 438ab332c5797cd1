"""Where data can flow: edges from one resource to another, whatever property draws them."""
