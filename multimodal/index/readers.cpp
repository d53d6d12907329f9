#include "multimodal/index/readers.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace beeld {

Reader::Reader(Database connection, const ModelIdentity& model, std::string its_library)
    : database(std::move(connection)), library(std::move(its_library)), table(database, model, library) {}

Readers::Readers(std::filesystem::path file, ModelIdentity model)
    : file_(std::move(file)), model_(std::move(model)) {
  auto database = Database::open(file_);
  library_ = adopt_index(database, model_);
  writable_ = database.writable();
  idle_.push_back(std::make_unique<Reader>(std::move(database), model_, library_));
}

std::string Readers::adopt(const Database& database, Adoption adoption, const DecodeOptions& decoding) {
  std::unique_lock lock(mutex_, std::defer_lock);
  // An index that starts again changes its library: no snapshot may show the new one before it is known here.
  if (adoption == Adoption::start_again) lock.lock();
  auto library = adopt_index(database, model_, adoption, &decoding);
  if (!lock) lock.lock();
  if (library != std::exchange(library_, library)) idle_.clear();
  return library;
}

std::unique_ptr<Reader> Readers::take() {
  if (idle_.empty()) {
    // A file that is gone must not be made anew.
    return std::make_unique<Reader>(Database::open(file_, DatabaseAccess::read_write), model_, library_);
  }
  auto reader = std::move(idle_.back());
  idle_.pop_back();
  return reader;
}

void Readers::give_back(std::unique_ptr<Reader> reader) {
  // More than run side by side are rarely needed at once, and each has a cache of its own.
  static const std::size_t most_idle = std::max(std::thread::hardware_concurrency(), 2U);
  const std::lock_guard lock(mutex_);
  if (reader->library == library_ && idle_.size() < most_idle) idle_.push_back(std::move(reader));
}

// The lock covers the first read, with which SQLite's snapshot begins: see Readers::adopt().
Snapshot::Snapshot(Readers& readers) : readers_(readers) {
  const std::lock_guard lock(readers_.mutex_);
  reader_ = readers_.take();
  transaction_.emplace(reader_->database, Transaction::Kind::read);
  generation_ = reader_->table.generation();
}

Snapshot::~Snapshot() {
  transaction_.reset();
  readers_.give_back(std::move(reader_));
}

}  // namespace beeld
