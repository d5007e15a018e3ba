#!/usr/bin/env python3
"""Trains the iris classifier of KServe's first tutorial and saves it as model.joblib.

    pip install scikit-learn joblib
    python3 train.py [FOLDER]      (default: models/sklearn/1.0/model beside this file)
"""
import pathlib
import sys

import joblib
from sklearn.datasets import load_iris
from sklearn.svm import SVC

folder = pathlib.Path(__file__).parent / "models/sklearn/1.0/model"
if len(sys.argv) > 1:
    folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

features, species = load_iris(return_X_y=True)
model = SVC(gamma="scale").fit(features, species)

answer = model.predict([[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]).tolist()
print("the tutorial's request is answered", answer)
assert answer == [1, 1]
joblib.dump(model, folder / "model.joblib")
print("saved", folder / "model.joblib")
