"""What Jurnal calls the things that commands name."""
