// Widths first, then lines.
#include "cli/table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cli/human.h"

namespace ebb::cli {

void Table::add(std::vector<Cell> cells) {
  EBB_CHECK(cells.size() == columns_.size());
  for (Cell& cell : cells)
    std::replace(cell.text.begin(), cell.text.end(), '\n', ' ');
  rows_.push_back(std::move(cells));
}

void Table::total(std::vector<Cell> cells) {
  for (Cell& cell : cells)
    cell.style = Style::kBold;
  add(std::move(cells));
}

std::string Table::render(const Output& out) const {
  std::vector<Cell> head;
  std::vector<size_t> widths;
  for (const Column& column : columns_) {
    head.push_back({column.heading, Style::kBold});
    widths.push_back(columns_of(column.heading));
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i].text));
  }
  std::string text;
  const auto line = [&](const std::vector<Cell>& cells) {
    std::string blank;  // kept back, so that no line ends in spaces
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - columns_of(cells[i].text), ' ');
      const bool right = columns_[i].align == Align::kRight;
      if (right) blank += padding;
      if (!cells[i].text.empty()) text += std::exchange(blank, "") + out.styled(cells[i].style, cells[i].text);
      if (!right) blank += padding;
      blank += "  ";
    }
    text += "\n";
  };
  line(head);
  for (const auto& row : rows_)
    line(row);
  return text;
}

}  // namespace ebb::cli
