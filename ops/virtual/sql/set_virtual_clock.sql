UPDATE virtual_clock SET now = %s RETURNING now
