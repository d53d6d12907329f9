#pragma once

/// The whole public API in one include.
#include <beeld/cluster.h>
#include <beeld/error.h>
#include <beeld/image.h>
#include <beeld/index.h>
#include <beeld/matrix.h>
#include <beeld/model.h>
#include <beeld/store.h>
#include <beeld/tokenizer.h>
#include <beeld/weight_type.h>
#include <beeld/zero_shot.h>
