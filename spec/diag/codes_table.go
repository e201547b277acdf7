package diag

// Codes OTF345 to OTF349, tables.
var (
	BadTable    = &Code{"OTF345", "bad-table", "A table cannot be read. A table is a CSV or TSV file with the names of its columns in the first row, or the first sheet of an Excel workbook (.xlsx). Columns are separated by commas, by semicolons or by tabs, whichever the first row has. A cell that holds the separator, a line end or a double quote stands in double quotes, and a double quote in it is written twice. Every row has as many cells as the first one; blank rows are skipped. Decimals are written with a point."}
	TableColumn = &Code{"OTF346", "table-column", "The columns of a table are not those that the workflow declares under columns. A column is found by what `header` says, or else by its name; upper and lower case do not matter, blanks, _ and - are the same, and a unit in parentheses behind the name, as in volume (uL), is the unit of its bare numbers. A column that is not declared is an error, since it is most often a misspelt one; extra: ignore says that others may be there. A column that is declared with a default may be missing."}
	NoRows      = &Code{"OTF347", "no-rows", "A table has a header and no rows, so that nothing would be done. That is most often the wrong file, or an export that failed."}
)

var tableCodes = []*Code{BadTable, TableColumn, NoRows}
