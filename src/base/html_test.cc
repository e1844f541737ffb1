// The five characters.
#include "base/html.h"

#include <gtest/gtest.h>

namespace ebb {
namespace {

TEST(HtmlEscaped, LeavesNothingThatAPageReadsAsItsOwn) {
  EXPECT_EQ(html_escaped(R"(<b title="x">'&amp;'</b>)"), "&lt;b title=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/b&gt;");
  EXPECT_EQ(html_escaped("Grüße, 日本"), "Grüße, 日本");
  EXPECT_EQ(html_escaped(""), "");
}

}  // namespace
}  // namespace ebb
