"""The web face: the API that programs stand on, and the plain page that people see."""
