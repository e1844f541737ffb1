// Aligned columns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/output.h"

namespace ebb::cli {

enum class Align { kLeft, kRight };

struct Cell {
  std::string text;
  Style style = Style::kPlain;
};

// Rows under a heading, two spaces between columns, no trailing spaces. Cells hold no line breaks.
class Table {
 public:
  struct Column {
    std::string heading;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns.
  void add(std::vector<Cell> cells);
  // A last line, in bold, that is no row like the others.
  void total(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  std::string render(const Output& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// One column of a table of `Row`s: its heading, and what stands under it.
template <class Row>
struct Field {
  Table::Column column;
  std::function<Cell(const Row&)> cell;
};

template <class Row>
std::string render_rows(const std::vector<Field<Row>>& fields, const std::vector<Row>& rows, const Output& out) {
  std::vector<Table::Column> columns;
  for (const Field<Row>& field : fields)
    columns.push_back(field.column);
  Table table(std::move(columns));
  for (const Row& row : rows) {
    std::vector<Cell> cells;
    for (const Field<Row>& field : fields)
      cells.push_back(field.cell(row));
    table.add(std::move(cells));
  }
  return table.render(out);
}

}  // namespace ebb::cli
