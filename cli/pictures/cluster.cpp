#include <beeld/cluster.h>
#include <beeld/error.h>
#include <beeld/store.h>
#include <beeld/zero_shot.h>

#include <algorithm>
#include <set>

#include "cli/command.h"
#include "cli/pictures/libraries.h"
#include "cli/terminal/options.h"
#include "multimodal/data/own_data.h"
#include "multimodal/page/gallery.h"

namespace beeld::cli {

namespace {

struct ClusterCommandOptions {
  LibraryOptions libraries;
  PromptOptions prompts;
  ClusterOptions clusters;
  std::string words;
  std::string html;
};

/// One cluster as it is printed: its pictures, the most typical first.
struct Group {
  std::size_t centre = 0;  ///< Its row of Clusters::centres.
  std::string label;
  std::vector<std::size_t> rows;
};

/// The names to choose from; none where the model embeds no texts or there is no list.
std::vector<std::string> words_for(Session& session, const std::string& file) {
  const auto& info = session.model().info();
  if (!info.has_text && !file.empty())
    throw Error(ErrorCode::unsupported,
                "[cluster] --label-with: " + model_reference(info.folder) + " embeds no texts");
  if (!info.has_text) return {};
  const auto list = file.empty() ? find_own_data("words.txt") : std::filesystem::path(file);
  if (list) return read_lines(*list);
  session.output.note(
      "the list of words that comes with beeld is not here: groups have no names without --label-with");
  return {};
}

/// Words for centres by the cosines of their unit rows [K,D] and [M,D]: the closest pair is taken first, and
/// no word twice. Names stay empty where there are too few words.
std::vector<std::string> matched(const Matrix& centres, const Matrix& rows,
                                 const std::vector<std::string>& words) {
  struct Pair {
    float cosine;
    std::size_t centre, word;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < centres.rows; ++i)
    for (std::size_t j = 0; j < rows.rows; ++j) pairs.push_back({dot(centres[i], rows[j]), i, j});
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.cosine > b.cosine; });
  std::vector<std::string> labels(centres.rows);
  std::set<std::string> taken;
  for (const auto& [cosine, centre, word] : pairs)
    if (labels[centre].empty() && taken.insert(words[word]).second) labels[centre] = words[word];
  return labels;
}

/// A word for each centre; empty names without words.
std::vector<std::string> labels_of(const Model& model, const Matrix& centres,
                                   const std::vector<std::string>& words,
                                   std::vector<std::string> templates) {
  if (words.empty()) return std::vector<std::string>(centres.rows);
  if (templates.empty()) templates = {"a photo of a {}"};
  const ZeroShot zero_shot(model, words, templates);
  return matched(centres, zero_shot.label_embeddings(), words);
}

/// Groups in falling order of size.
std::vector<Group> groups_of(const Clusters& clusters, const Matrix& rows,
                             const std::vector<std::string>& labels) {
  std::vector<Group> groups(clusters.centres.rows);
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = {i, labels[i], {}};
  for (std::size_t row = 0; row < clusters.assignment.size(); ++row)
    groups[clusters.assignment[row]].rows.push_back(row);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto closeness = [&](std::size_t row) { return dot(rows[row], clusters.centres[i]); };
    std::stable_sort(groups[i].rows.begin(), groups[i].rows.end(),
                     [&](std::size_t a, std::size_t b) { return closeness(a) > closeness(b); });
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.rows.size() > b.rows.size(); });
  return groups;
}

void print(Output& output, const std::vector<Group>& groups,
           const std::vector<std::filesystem::path>& paths) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto& group = groups[i];
    if (output.json()) {
      Json members = Json::array();
      for (const std::size_t row : group.rows) members.push_back(json_path(paths[row]));
      output.object({{"cluster", i + 1},
                     {"label", group.label.empty() ? Json() : Json(group.label)},
                     {"paths", members}});
      continue;
    }
    const std::string name = group.label.empty() ? "" : "  " + printable(group.label);
    output.text(std::to_string(i + 1) + name + "  (" + grouped(group.rows.size()) + ")\n");
    for (const std::size_t row : group.rows) output.text("    " + shown_path(paths[row]) + "\n");
  }
}

void write_page(const std::string& file, const std::vector<Group>& groups, const Matrix& centres,
                const IndexedPictures& pictures) {
  std::vector<GallerySection> sections;
  for (const auto& group : groups) {
    GallerySection section{group.label, {}};
    for (const std::size_t row : group.rows)
      section.matches.push_back({pictures.paths[row], dot(pictures.embeddings[row], centres[group.centre])});
    sections.push_back(std::move(section));
  }
  write_gallery(file, sections);
}

ExitCode cluster_folders(Session& session, const ClusterCommandOptions& options) {
  const auto words = words_for(session, options.words);
  const auto templates = prompt_templates(options.prompts);
  auto libraries = open_libraries(session, options.libraries);
  if (update_libraries(session, libraries, options.libraries).cancelled) return ExitCode::interrupted;
  const auto pictures = read_libraries(libraries, options.libraries);
  if (pictures.paths.empty()) {
    session.output.note("there are no pictures to sort");
    return session.status();
  }
  auto wanted = options.clusters;
  wanted.clusters = std::min(wanted.clusters, pictures.paths.size());
  const auto clusters = cluster(pictures.embeddings, wanted);
  const auto labels = labels_of(session.model(), clusters.centres, words, templates);
  const auto groups = groups_of(clusters, pictures.embeddings, labels);
  print(session.output, groups, pictures.paths);
  if (!options.html.empty()) write_page(options.html, groups, clusters.centres, pictures);
  return session.status();
}

}  // namespace

void add_cluster(Command& app, Session& session) {
  auto& command = *app.add_subcommand(
      "cluster", "Sort the pictures of folders into groups that belong together, and name each");
  const auto options = std::make_shared<ClusterCommandOptions>();
  add_library_options(command, options->libraries);
  command.get_option("DIR")->required();
  command.add_option("-k,--clusters", options->clusters.clusters, "How many groups")
      ->type_name("N")
      ->check(between(1, max_count))
      ->capture_default_str();
  command
      .add_option("--label-with", options->words,
                  "A text file with one possible name a line (default: a list of everyday nouns)")
      ->type_name("FILE");
  command
      .add_option("--seed", options->clusters.seed,
                  "Of the random starts; the same seed gives the same groups")
      ->capture_default_str();
  command.add_option("--html", options->html, "Also write a page with the pictures of each group")
      ->type_name("FILE");
  add_prompt_options(command, options->prompts);
  add_examples(
      command,
      "  beeld cluster ~/Pictures -k 12\n"
      "  beeld cluster ~/Pictures -k 5 --label-with places.txt --json\n"
      "The largest group comes first, in each group the most typical picture. No name is given twice.");
  command.callback([&session, options] {
    session.run = [&session, options] { return cluster_folders(session, *options); };
  });
}

}  // namespace beeld::cli
