"""What the scripts share: engines of their own, data, clients, servers, tables and plots."""
