"""Reading of trace files: CSV and Parquet to samples, with every problem named by file, row and column."""
