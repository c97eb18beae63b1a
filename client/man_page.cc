#include "client/man_page.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/exit_code_text.h"

namespace hotplugger::client {
namespace {

using Kind = ArgumentDescription::Kind;

// `text` as roff has it: dashes that can be copied, and nothing that is taken for a request.
std::string Escaped(absl::string_view text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  if (absl::StartsWith(escaped, ".") || absl::StartsWith(escaped, "'")) escaped.insert(0, "\\&");
  return escaped;
}

std::string Bold(absl::string_view text) { return absl::StrCat("\\fB", Escaped(text), "\\fR"); }
std::string Italic(absl::string_view text) { return absl::StrCat("\\fI", Escaped(text), "\\fR"); }

std::string Heading(const std::string& title) {
  return absl::StrCat(".TH ", absl::AsciiStrToUpper(Escaped(title)), " 1 \"\" \"Hotplugger ",
                      HOTPLUGGER_VERSION, "\" \"Hotplugger\"\n");
}

// What a verb is called as: "hotplugctl --host offline".
std::string CommandOf(const ScopeDescription& scope, const VerbDescription& verb) {
  return absl::StrCat(scope.host_scope ? "hotplugctl --host " : "hotplugctl ", verb.name);
}

std::string PageName(const ScopeDescription& scope, const VerbDescription& verb) {
  return absl::StrCat(scope.host_scope ? "hotplugctl-host-" : "hotplugctl-", verb.name);
}

// "a", "a or b", "a, b or c".
std::string ChoicesText(const std::vector<std::string>& choices) {
  if (choices.size() < 2) return absl::StrJoin(choices, "");
  const std::vector<std::string> before(choices.begin(), choices.end() - 1);
  return absl::StrCat(absl::StrJoin(before, ", "), " or ", choices.back());
}

// One argument as the synopsis shows it.
std::string SynopsisOf(const ArgumentDescription& argument) {
  std::string text;
  if (argument.positional()) {
    text = Italic(argument.names.front());
  } else {
    text = Bold(argument.names.back());
    if (argument.kind == Kind::kOption) absl::StrAppend(&text, " ", Italic(argument.value));
  }
  if (argument.repeated) text += " ...";
  return argument.required ? text : absl::StrCat("[", text, "]");
}

// One argument and what it is for.
std::string Item(const ArgumentDescription& argument) {
  std::vector<std::string> names;
  for (const std::string& name : argument.names) {
    names.push_back(argument.positional() ? Italic(name) : Bold(name));
  }
  std::string item = absl::StrCat(".TP\n", absl::StrJoin(names, ", "));
  if (argument.kind == Kind::kOption) absl::StrAppend(&item, " ", Italic(argument.value));
  if (argument.kind == Kind::kMode) {
    absl::StrAppend(&item, "[=", Italic(absl::StrJoin(argument.choices, "|")), "]");
  }
  std::string help = argument.help;
  if (!argument.choices.empty() && argument.kind != Kind::kMode) {
    absl::StrAppend(&help, ": ", ChoicesText(argument.choices));
  }
  if (!argument.shown_default.empty()) absl::StrAppend(&help, " [", argument.shown_default, "]");
  return absl::StrCat(item, "\n", Escaped(help), "\n");
}

std::string Items(const std::vector<ArgumentDescription>& arguments, bool positional) {
  std::string items;
  for (const ArgumentDescription& argument : arguments) {
    if (argument.positional() == positional) items += Item(argument);
  }
  return items;
}

// Nothing where there are none.
std::string Section(const std::string& title, const std::string& text) {
  return text.empty() ? "" : absl::StrCat(".SH ", title, "\n", text);
}

std::string ExitStatus() {
  std::string items;
  for (const ExitCodeText& code : ExitCodeTexts()) {
    absl::StrAppend(&items, ".TP\n", Bold(absl::StrCat(code.code)), "\n", Escaped(code.meaning),
                    "\n");
  }
  return Section("EXIT STATUS", items);
}

std::string Examples(const VerbDescription& verb) {
  std::string text;
  for (const std::string& example : verb.examples) {
    absl::StrAppend(&text, text.empty() ? ".nf\n" : "", Escaped(example), "\n");
  }
  return Section("EXAMPLES", text.empty() ? "" : absl::StrCat(text, ".fi\n"));
}

std::string VerbItems(const ScopeDescription& scope) {
  std::string items;
  for (const VerbDescription& verb : scope.verbs) {
    absl::StrAppend(&items, ".TP\n", Bold(CommandOf(scope, verb)), "\n", Escaped(verb.help), "; ",
                    Bold(PageName(scope, verb)), "(1)\n");
  }
  return items;
}

std::string Variable(const std::string& name, const std::string& meaning) {
  return absl::StrCat(".TP\n", Bold(name), "\n", Escaped(meaning), "\n");
}

std::string EnvironmentAndFiles() {
  return absl::StrCat(
      Section("ENVIRONMENT",
              absl::StrCat(
                  Variable("HOTPLUGGER_CONTROLLER",
                           "the controller's address; outranks the current context, not --context "
                           "and --controller"),
                  Variable("HOTPLUGCTL_CONFIG", "the file of contexts"),
                  Variable("NO_COLOR", "where it is not empty, tables have no colours"))),
      Section("FILES",
              Variable("~/.config/hotplugger/config.yaml", "contexts, see hotplugctl-config(1)")));
}

}  // namespace

ManPage ProgramPage(const ScopeDescription& fleet, const ScopeDescription& host) {
  return {"hotplugctl.1",
          absl::StrCat(
              Heading("hotplugctl"), ".SH NAME\nhotplugctl \\- hotplug control of Linux hosts\n",
              ".SH SYNOPSIS\n", Bold("hotplugctl"), " [", Italic("FLAG"), " ...] ", Italic("VERB"),
              " [", Italic("ARGUMENT"), " ...]\n.br\n", Bold("hotplugctl --host"), " [",
              Italic("FLAG"), " ...] ", Italic("VERB"), " [", Italic("ARGUMENT"), " ...]\n",
              Section("DESCRIPTION",
                      "Acts on a fleet through its controller, or with \\fB\\-\\-host\\fR on the "
                      "host that it runs on through that host's agent. Flags stand before or after "
                      "the verb. Data goes to standard output, everything else to standard "
                      "error.\n"),
              Section("VERBS FOR THE FLEET", VerbItems(fleet)),
              Section("FLAGS FOR THE FLEET", Items(fleet.flags, /*positional=*/false)),
              Section("VERBS FOR THIS HOST", VerbItems(host)),
              Section("FLAGS FOR THIS HOST", Items(host.flags, /*positional=*/false)), ExitStatus(),
              EnvironmentAndFiles())};
}

ManPage VerbPage(const ScopeDescription& scope, const VerbDescription& verb) {
  const std::string name = PageName(scope, verb);
  std::vector<std::string> synopsis = {Bold(CommandOf(scope, verb))};
  for (const ArgumentDescription& argument : verb.arguments) {
    synopsis.push_back(SynopsisOf(argument));
  }
  return {absl::StrCat(name, ".1"),
          absl::StrCat(Heading(name), ".SH NAME\n", Escaped(name), " \\- ", Escaped(verb.help),
                       "\n.SH SYNOPSIS\n", absl::StrJoin(synopsis, "\n"), "\n",
                       Section("ARGUMENTS", Items(verb.arguments, /*positional=*/true)),
                       Section("FLAGS", Items(verb.arguments, /*positional=*/false)),
                       Section("FLAGS OF ALL VERBS", Items(scope.flags, /*positional=*/false)),
                       Examples(verb), ExitStatus(),
                       Section("SEE ALSO", absl::StrCat(Bold("hotplugctl"), "(1)\n")))};
}

std::vector<ManPage> AllPages() {
  const ScopeDescription fleet = DescribeScope(/*host_scope=*/false);
  const ScopeDescription host = DescribeScope(/*host_scope=*/true);
  std::vector<ManPage> pages = {ProgramPage(fleet, host)};
  for (const ScopeDescription* scope : {&fleet, &host}) {
    for (const VerbDescription& verb : scope->verbs) pages.push_back(VerbPage(*scope, verb));
  }
  return pages;
}

}  // namespace hotplugger::client
