"""The processes that make up the product: started, watched and stopped."""
