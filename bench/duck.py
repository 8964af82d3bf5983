"""DuckDB through the library that tarn is built with: no client to install."""
import ctypes
import os

LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "deps", "lib", "libduckdb.so")


class Duck:
    def __init__(self):
        self.library = ctypes.CDLL(LIBRARY)
        self.library.duckdb_result_error.restype = ctypes.c_char_p
        self.library.duckdb_value_int64.restype = ctypes.c_int64
        database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        if self.library.duckdb_open(None, ctypes.byref(database)) != 0:
            raise SystemExit("DuckDB does not start")
        self.library.duckdb_connect(database, ctypes.byref(self.connection))

    def run(self, sql):
        """The first value of the answer as a number."""
        result = ctypes.create_string_buffer(256)
        failed = self.library.duckdb_query(self.connection, sql.encode(), result)
        error = self.library.duckdb_result_error(result)
        value = 0 if failed else self.library.duckdb_value_int64(result, ctypes.c_uint64(0), ctypes.c_uint64(0))
        self.library.duckdb_destroy_result(result)
        if failed:
            raise ValueError("%s\n%s" % (error.decode(), sql))
        return value
