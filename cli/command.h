#pragma once

#include "cli/terminal/command_line.h"
#include "cli/terminal/session.h"

namespace beeld::cli {

// Each adds one command with its options and help to `app`. When the command is chosen, `session.run` does
// it.

void add_search(Command& app, Session& session);
void add_classify(Command& app, Session& session);
void add_index(Command& app, Session& session);
void add_embed(Command& app, Session& session);
void add_tokenize(Command& app, Session& session);
void add_cluster(Command& app, Session& session);
void add_dedup(Command& app, Session& session);
void add_eval(Command& app, Session& session);
void add_info(Command& app, Session& session);
void add_pull(Command& app, Session& session);
void add_models(Command& app, Session& session);
void add_train(Command& app, Session& session);
void add_probe(Command& app, Session& session);
void add_vocabulary(Command& app, Session& session);
void add_documents(Command& app, Session& session);

}  // namespace beeld::cli
