// A page of its own: no script, nothing from elsewhere. The pictures are drawn here, as SVG.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/html.h"
#include "plan/report.h"

namespace ebb::plan {

namespace {

constexpr double kWidth = 720;
constexpr double kHeight = 300;
constexpr double kLeft = 64;
constexpr double kBottom = 40;
constexpr double kTop = 26;

// Data to pixels; `logarithmic` axes begin at a positive value.
struct Axis {
  double from = 0;
  double to = 1;
  bool logarithmic = false;
  double part(double value) const {
    if (logarithmic) return std::log(std::max(value, from) / from) / std::log(to / from);
    return (value - from) / (to - from);
  }
};

double x_at(const Axis& axis, double value) { return kLeft + axis.part(value) * (kWidth - kLeft - 16); }
double y_at(const Axis& axis, double value) { return kHeight - kBottom - axis.part(value) * (kHeight - kBottom - kTop); }

// 1, 2 or 5 times a power of ten, at least `least`.
double round_up(double least) {
  const double ten = std::pow(10, std::floor(std::log10(least)));
  for (const double digit : {1.0, 2.0, 5.0}) {
    if (digit * ten >= least * 0.999) return digit * ten;
  }
  return 10 * ten;
}

std::vector<double> ticks(const Axis& axis) {
  std::vector<double> at;
  if (axis.logarithmic) {
    for (double tick = round_up(axis.from); tick <= axis.to * 1.001; tick = round_up(tick * 1.5))
      at.push_back(tick);
    return at;
  }
  const double step = round_up((axis.to - axis.from) / 5);
  for (double tick = axis.from; tick <= axis.to * 1.001; tick += step)
    at.push_back(tick);
  return at;
}

std::string frame(const Axis& x, const Axis& y, std::string_view below, std::string_view beside) {
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{3} over {2}\"><rect x=\"{4}\" y=\"26\" width=\"{5}\" height=\"{6}\" class=\"frame\"/>", kWidth,
      kHeight, html_escaped(below), html_escaped(beside), kLeft, kWidth - kLeft - 16, kHeight - kBottom - kTop);
  for (const double tick : ticks(x))
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"middle\">{:g}</text>", x_at(x, tick), kHeight - kBottom + 16, tick);
  for (const double tick : ticks(y))
    svg += fmt::format("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" class=\"grid\"/><text x=\"{3}\" y=\"{4:.1f}\" class=\"end\">{5:g}</text>",
                       kLeft, kWidth - 16, y_at(y, tick), kLeft - 6, y_at(y, tick) + 4, tick);
  return svg + fmt::format("<text x=\"{}\" y=\"{}\" class=\"middle\">{}</text><text x=\"{}\" y=\"12\">{}</text>", (kLeft + kWidth) / 2, kHeight - 6,
                           html_escaped(below), 4, html_escaped(beside));
}

std::string line(const std::vector<std::pair<double, double>>& points, const Axis& x, const Axis& y, std::string_view style) {
  std::string path;
  for (const auto& [px, py] : points)
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", x_at(x, px), y_at(y, py));
  return fmt::format("<path d=\"{}\" class=\"{}\"/>", path, style);
}

std::string frontier(const Report& report) {
  std::vector<const Outcome*> all;
  for (const std::vector<Outcome>* outcomes : {&report.fixed, &report.knative, &report.ebb})
    for (const Outcome& outcome : *outcomes)
      all.push_back(&outcome);
  Axis x{.from = 1e300, .to = 0, .logarithmic = true};
  Axis y{.from = 0, .to = 0};
  for (const Outcome* outcome : all) {
    x.from = std::min(x.from, std::max(outcome->idle_gib_min / 60, 1e-3));
    x.to = std::max(x.to, outcome->idle_gib_min / 60);
    y.to = std::max(y.to, static_cast<double>(outcome->cold));
  }
  x.to = std::max(x.to * 1.2, x.from * 2);
  y.to = std::max(y.to * 1.05, 1e-6);
  const auto curve = [&](const std::vector<Outcome>& outcomes, std::string_view style) {
    std::vector<std::pair<double, double>> points;
    std::string marks;
    for (const Outcome& outcome : outcomes) {
      points.emplace_back(outcome.idle_gib_min / 60, static_cast<double>(outcome.cold));
      marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" class=\"{}\"><title>{}</title></circle>", x_at(x, points.back().first),
                           y_at(y, points.back().second), style, html_escaped(outcome.policy));
    }
    std::ranges::sort(points);
    return line(points, x, y, style) + marks;
  };
  return frame(x, y, "idle memory, GiB-hours", "cold starts") + curve(report.fixed, "other") + curve(report.knative, "third") + curve(report.ebb, "ebb") +
         "</svg>";
}

std::string over_time(const Report& report) {
  const Outcome& ebb = report.ebb.front();
  Axis x{.from = 0, .to = report.hours};
  Axis y{.from = 0, .to = 1e-6};
  std::vector<std::pair<double, double>> held;
  std::vector<std::pair<double, double>> busy;
  for (size_t i = 0; i < ebb.over_time.size(); ++i) {
    const double hour = report.hours * (static_cast<double>(i) + 0.5) / static_cast<double>(ebb.over_time.size());
    held.emplace_back(hour, ebb.over_time[i].held_gib);
    busy.emplace_back(hour, ebb.over_time[i].busy_gib);
    y.to = std::max(y.to, ebb.over_time[i].held_gib * 1.05);
  }
  return frame(x, y, "hours", "GiB") + line(held, x, y, "ebb") + line(busy, x, y, "other") + "</svg>";
}

std::string row(const Report& report, const Outcome& outcome, std::string_view style) {
  return fmt::format("<tr class=\"{}\"><td>{}<td>{}<td>{:.3f} %<td>{:.1f} s<td>{}<td>{}<td>{}<td>{}</tr>\n", style, html_escaped(outcome.policy), outcome.cold,
                     100 * waiting_share(outcome), outcome.waited_s, figure(outcome.idle_gib_min / 60), figure(outcome.busy_gib_min / 60),
                     figure(outcome.peak_gib), memory_cost(report, outcome));
}

constexpr std::string_view kStyle = R"(body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}.table{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
table{font-size:.875em}th,td{padding:.25rem .5rem;text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left;white-space:normal;min-width:8rem}
thead th{border-bottom:1px solid #888;white-space:normal;vertical-align:bottom}
tr.ebb{font-weight:600}svg{width:100%;height:auto;font-size:12px}svg text{fill:currentColor}svg .middle{text-anchor:middle}svg .end{text-anchor:end}
svg .frame{fill:none;stroke:#888}svg .grid{stroke:#8883}path{fill:none;stroke-width:2}path.ebb{stroke:#0b6bcb}circle.ebb{fill:#0b6bcb}path.other{stroke:#b35900}
circle.other{fill:#b35900}path.third{stroke:#1a7f5a}circle.third{fill:#1a7f5a}.key b.ebb{color:#0b6bcb}.key b.other{color:#b35900}.key b.third{color:#1a7f5a}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181b}path.ebb,circle.ebb{stroke:#5aa9ff}path.other{stroke:#ffa64d}path.third{stroke:#4cc79a}
.key b.ebb{color:#5aa9ff}.key b.other{color:#ffa64d}.key b.third{color:#4cc79a}})";

}  // namespace

std::string to_html(const Report& report) {
  std::string rows;
  for (size_t i = 0; i < report.ebb.size(); ++i)
    rows += row(report, report.ebb[i], i == 0 ? "ebb" : "");
  for (const std::vector<Outcome>* outcomes : {&report.fixed, &report.knative, &report.others})
    for (const Outcome& outcome : *outcomes)
      rows += row(report, outcome, "");
  std::string said;
  for (const std::string& sentence : findings(report))
    said += "<li>" + html_sentence(sentence) + "\n";
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>ebb plan: "
      "{0}</title>\n"
      "<style>{1}</style>\n<h1>{0}, replayed</h1>\n<p>{2}, {3} calls in {4:.1f} hours. A start takes {5:.1f} s; memory is priced at {6} "
      "USD for a GiB held "
      "for an hour.</p>\n<ul>{7}</ul>\n<h2>Cold starts against idle memory</h2>\n<p class=\"key\"><b class=\"ebb\">Ebb</b>, with a caller's wait worth less "
      "and more; <b "
      "class=\"other\">fixed times of keeping</b>; <b class=\"third\">Knative's autoscaler</b> with windows from 6 s to an hour. Lower and further left is "
      "better.</p>\n{8}\n<h2>Memory over time, Ebb</h2>\n<p class=\"key\"><b "
      "class=\"ebb\">held</b>, and of "
      "it <b class=\"other\">at work</b>.</p>\n{9}\n<h2>All policies</h2>\n<div class=\"table\"><table><thead><tr><th>policy<th>cold starts<th>calls that "
      "waited<th>for<th>idle "
      "GiB-hours<th>busy GiB-hours<th>peak GiB<th>memory, USD</tr></thead>\n{10}</table></div>\n</html>\n",
      html_escaped(report.trace), kStyle, report.functions == 1 ? "1 function" : fmt::format("{} functions", report.functions), report.ebb.front().calls,
      report.hours, std::chrono::duration<double>(report.world.start).count(), report.memory_price, said, frontier(report), over_time(report), rows);
}

}  // namespace ebb::plan
