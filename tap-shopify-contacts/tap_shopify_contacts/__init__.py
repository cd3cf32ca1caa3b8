"""Singer tap for the customers and abandoned checkouts of a Shopify shop."""
