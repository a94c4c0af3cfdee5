"""What people do in JupyterLab, in Notebook 7 and in formgrader, in a real browser."""
