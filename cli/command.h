#pragma once

#include <CLI/CLI.hpp>

#include "cli/terminal/session.h"

namespace beeld::cli {

// Each adds one command with its options and help to `app`. When the command is chosen, `session.run` does
// it.

void add_search(CLI::App& app, Session& session);
void add_classify(CLI::App& app, Session& session);
void add_index(CLI::App& app, Session& session);
void add_embed(CLI::App& app, Session& session);
void add_tokenize(CLI::App& app, Session& session);
void add_cluster(CLI::App& app, Session& session);
void add_dedup(CLI::App& app, Session& session);
void add_eval(CLI::App& app, Session& session);
void add_info(CLI::App& app, Session& session);
void add_pull(CLI::App& app, Session& session);
void add_models(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_probe(CLI::App& app, Session& session);
void add_vocabulary(CLI::App& app, Session& session);

}  // namespace beeld::cli
