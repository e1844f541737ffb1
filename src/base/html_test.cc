// The five characters, and backticks.
#include "base/html.h"

#include <gtest/gtest.h>

namespace ebb {
namespace {

TEST(HtmlEscaped, LeavesNothingThatAPageReadsAsItsOwn) {
  EXPECT_EQ(html_escaped(R"(<b title="x">'&amp;'</b>)"), "&lt;b title=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/b&gt;");
  EXPECT_EQ(html_escaped("Grüße, 日本"), "Grüße, 日本");
  EXPECT_EQ(html_escaped(""), "");
}

TEST(HtmlSentence, ShowsWhatStandsBetweenBackticksAsCode) {
  EXPECT_EQ(html_sentence("as `ebb plan` and `<b>` have it"), "as <code>ebb plan</code> and <code>&lt;b&gt;</code> have it");
  EXPECT_EQ(html_sentence("one ` alone & nothing else"), "one ` alone &amp; nothing else");
}

}  // namespace
}  // namespace ebb
