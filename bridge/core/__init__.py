"""The rules: rooms, lanes, members, and the ports through which networks, plugins and the page meet them."""
