#include "multimodal/page/html_page.h"

#include <beeld/error.h>

#include "core/base/files.h"

namespace beeld {

namespace {

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>)";

constexpr std::string_view common_style = R"(</title>
<style>
:root { color-scheme: light dark; --page: #fbfaf8; --ink: #23211e; --quiet: #77716a; --rule: #e4e0da; --card: #efece7; }
@media (prefers-color-scheme: dark) { :root { --page: #161513; --ink: #ece8e1; --quiet: #979087; --rule: #2e2b28; --card: #24221f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3.5rem) 4rem; max-width: 1680px; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
header { display: flex; align-items: baseline; gap: 1rem; border-bottom: 1px solid var(--rule); padding-bottom: .7rem; margin-bottom: 1.1rem; }
h1, h2 { margin: 0; font-size: 1.35rem; font-weight: 600; letter-spacing: -.01em; overflow-wrap: anywhere; }
header span { margin-left: auto; color: var(--quiet); font-size: .85rem; white-space: nowrap; }
)";

}  // namespace

std::string html_page(const HtmlPage& page) {
  std::string html(head);
  html += page.title;
  html += common_style;
  html += page.style;
  html += "</style>\n</head>\n<body>\n" + page.body + "</body>\n</html>\n";
  return html;
}

void write_page(const std::filesystem::path& file, std::string_view content) {
  try {
    write_file_atomically(file, content);
  } catch (const Error& error) {
    throw Error(ErrorCode::io, error.what());
  }
}

}  // namespace beeld
